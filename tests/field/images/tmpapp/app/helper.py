def answer():
    return open(__file__.replace("helper.py", "data.txt")).read().strip()
