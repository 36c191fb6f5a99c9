import gettext, pycountry
german = gettext.translation("iso_3166-1", pycountry.LOCALES_DIR, languages=["de"])
print(german.gettext("Germany"))
