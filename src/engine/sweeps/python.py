# Imports modules. Input: {"names": [...], "jobs": n, "timeout": seconds, "alone": bool, "budget": seconds}. The modules of one package are imported
# one after the other in one process, as what they share would be loaded anew for each; what fails there is tried alone.
import gc
import importlib
import importlib.util
import re
import warnings

LAST = re.compile(r"(^|\.)(tests?|conftest|test_\w+|\w+_test)(\.|$)")


def lines(error):
    """An error and the one it came from, each on one line."""
    root, steps = error, 0
    while (root.__cause__ or root.__context__) is not None and steps < 20:
        root, steps = root.__cause__ or root.__context__, steps + 1
    one = lambda e: "%s: %s" % (type(e).__name__, str(e).strip().split("\n")[0][:200])
    return one(error) if root is error else "%s <- %s" % (one(error), one(root))


def load(name):
    gc.disable()
    try:
        if name.split(".")[-1] == "__main__":
            # To import it would be to run the program.
            spec = importlib.util.find_spec(name)
            if spec is None or spec.loader.get_code(name) is None:
                return ["", "no such module"]
        else:
            # A lazy module is loaded by the first look into it.
            getattr(importlib.import_module(name), "__file__", None)
        return ["ok", ""]
    except BaseException as error:  # a module may end the process, too
        return ["", lines(error)]


def main():
    asked = json.loads(sys.stdin.read())
    out = quiet()
    # The directory of the helper, or what stands for it with `-c`, is none of the image's.
    if sys.path and sys.path[0] == "":
        sys.path.pop(0)
    warnings.simplefilter("ignore")
    groups = {}
    for name in asked["names"]:
        groups.setdefault(name if asked["alone"] else name.split(".")[0], []).append(name)
    ordered = sorted(groups.values(), key=lambda group: (-len(group), group[0]))
    for group in ordered:
        # Tests change what others see.
        group.sort(key=lambda name: (bool(LAST.search(name)), name))
    # What is not in the image at all does not come with another try.
    again = lambda why: not why.startswith("ModuleNotFoundError")
    sweep(out, ordered, load, asked["jobs"], asked["timeout"], again, asked["budget"])


main()
