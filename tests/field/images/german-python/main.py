import gettext, locale, subprocess
locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")
print(gettext.translation("adduser", "/usr/share/locale", languages=["de"], fallback=True).gettext("Internal error"))
print(locale.dgettext("coreutils", "cannot remove %s") if hasattr(locale, "dgettext") else "")
print(subprocess.run(["rm", "nothing"], env={"LANGUAGE": "de", "LANG": "de_DE.UTF-8"}, stderr=subprocess.PIPE).stderr.decode())
