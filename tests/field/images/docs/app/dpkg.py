import gettext
print(gettext.translation("dpkg", languages=["fr"]).gettext("error processing archive") != "")
