import helper
print(helper.answer())
