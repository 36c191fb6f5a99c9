# Asks the dynamic loader about objects, for images without a Python: are all libraries there that an object needs? That is less
# than to load it. Standard input: paths. Answers: path, mark and reason, with tabs between.
# Names are names, whatever is in them.
set -f
list=$(cat)
IFS='
'
for path in $list; do
  [ "$(head -c 4 "$path" 2>/dev/null)" = "$(printf '\177ELF')" ] || continue
  said=$("$1" --list "$path" 2>&1)
  code=$?
  case $said in
    *"not found"* | *"Error loading"*) printf '%s\t\t%s\n' "$path" "$(printf '%s\n' "$said" | grep -m1 -e 'not found' -e 'Error loading')" ;;
    *"not a dynamic"* | *"statically linked"*) ;;
    *) if [ "$code" = 0 ]; then printf '%s\tneeded\t\n' "$path"; else printf '%s\t\texit code %s\n' "$path" "$code"; fi ;;
  esac
done
