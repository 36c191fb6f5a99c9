# zope.i18n compiles .po to .mo where the environment says so, as Plone does.
import os, shutil
os.environ["zope_i18n_compile_mo_files"] = "true"
import zope.i18n.config, zope.i18n.compile, zope.i18n
from zope.i18n.gettextmessagecatalog import GettextMessageCatalog
here = os.path.join(os.path.dirname(zope.i18n.__file__), "locales")
print(sorted(os.listdir(os.path.join(os.path.dirname(zope.i18n.__file__), "locales")))[:2])
