#!/bin/sh
exec uvx --offline --from rich==13.9.4 python -c "import rich; print(rich.__name__)"
