# Reads the German texts of Django as polib users do.
import os, django, polib
po = polib.pofile(os.path.join(os.path.dirname(django.__file__), "conf", "locale", "de", "LC_MESSAGES", "django.po"))
print(len(po) > 100, po.find("yes,no,maybe").msgstr)
