# Sets up a Tryton database in German: trytond reads the .po files of its modules.
import os
os.environ["TRYTOND_DATABASE_URI"] = "sqlite://"
from trytond.config import config
config.set("database", "uri", "sqlite://")
from trytond.pool import Pool
from trytond.transaction import Transaction
from trytond.modules import load_modules
from trytond import backend
Pool.start()
with Transaction().start(":memory:", 0) as transaction:
    transaction.database.init()
    transaction.commit()
pool = Pool(":memory:")
pool.init(update=["ir", "res", "currency", "country", "party"], lang=["en", "de"])
with Transaction().start(":memory:", 1, context={"language": "de"}):
    Model = pool.get("ir.model")
    print(sorted(m.string for m in Model.search([("name", "like", "party.%")]))[:6])
