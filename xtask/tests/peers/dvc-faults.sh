#!/bin/bash
# What DVC does with the faults of docs/faults.md: prints a line a fault. Needs the program `dvc` in PATH (pip install
# 'dvc==3.67.1'), and root for the disk that is full. Leaves nothing behind.
set -u
export DVC_NO_ANALYTICS=1
home=$(mktemp -d)
trap 'cd /; umount "$home/disk" 2>/dev/null; rm -rf "$home"' EXIT

# A workspace whose stage `s` has the command $1, the input src.txt and the output $2 (x.txt).
space() {
    cd "$home" && rm -rf w && mkdir w && cd w && dvc init -q --no-scm && echo source > src.txt
    stage "$1" "${2:-x.txt}"
}
stage() {
    printf 'stages:\n  s:\n    cmd: %s\n    deps: [src.txt]\n    outs: [%s]\n' "$1" "$2" > dvc.yaml
}
tell() { printf '%-34s %s\n' "$1" "$2"; }
last() { tail -n 1 "$home/out" | cut -c 1-150; }
# Whether the stage that noted its number in `pid` is still there.
stage_is() { kill -0 "$(cat pid)" 2> /dev/null && echo "runs on" || echo "is gone"; }
repro() { dvc repro "$@" > "$home/out" 2>&1; }

space 'echo $$ > pid; touch started; sleep 5; cp src.txt x.txt'
dvc repro > /dev/null 2>&1 & pid=$!
until [ -e started ]; do sleep 0.1; done
kill -9 $pid; wait $pid 2> /dev/null
left=$(stage_is); rm started
repro; tell "runner killed" "its stage $left; next repro: status $?, $(last)"

space 'touch started; sleep 3; cp src.txt x.txt'
dvc repro > "$home/first" 2>&1 & pid=$!
until [ -e started ]; do sleep 0.1; done
repro; tell "two at once" "second: status $?, $(last)"
wait $pid

for signal in INT TERM; do
    space 'echo $$ > pid; touch started; sleep 5; cp src.txt x.txt'
    # As a terminal does: to the whole group.
    set -m; dvc repro > /dev/null 2>&1 & pid=$!; set +m
    until [ -e started ]; do sleep 0.1; done
    [ $signal = INT ] && kill -INT -$pid || kill -TERM $pid
    wait $pid 2> /dev/null; tell "SIG$signal" "status $?, its stage $(stage_is)"
    sleep 5
done

space 'cp src.txt x.txt; sleep 3'
dvc repro > /dev/null 2>&1 & pid=$!
until [ -e x.txt ]; do sleep 0.1; done
sleep 1; echo changed > src.txt; wait $pid
repro; tell "input changed meanwhile" "x.txt has '$(cat x.txt)' for '$(cat src.txt)'; next repro: $(last)"

space 'cp src.txt x.txt; sleep 3'
dvc repro > /dev/null 2>&1 & pid=$!
until [ -e x.txt ]; do sleep 0.1; done
echo changed > src.txt; echo source > src.txt; wait $pid
tell "changed and changed back" "first repro: status $?"

space 'cp src.txt x.txt; echo more >> src.txt'
repro; tell "stage edits its input" "status $?, $(last)"

space '"sleep 60 & echo $! > pid; cp src.txt x.txt"'
repro; tell "process left behind" "status $?, it $(stage_is)"; kill "$(cat pid)"

space 'cp src.txt x.txt'; repro
echo mine > x.new; mv x.new x.txt; echo edited > src.txt
repro; tell "output edited by hand" "status $?, x.txt has '$(cat x.txt)', 'mine' is in $(grep -rl mine . | wc -l) files"

damage() {
    object=$(find .dvc/cache/files/md5 -type f | head -n 1)
    chmod u+w "$object"; eval "$1"
}
for how in 'printf Source > "$object"' 'printf s > "$object"' 'rm -f "$object"'; do
    space 'cp src.txt x.txt'; repro; damage "$how"; rm -f x.txt
    dvc checkout > "$home/out" 2>&1
    tell "object: ${how%% *} $(echo "$how" | cut -d' ' -f2)" "checkout: status $?, x.txt has '$(cat x.txt 2>&1 | tail -c 30)', $(last)"
    rm -f x.txt; repro
    tell "  repro" "status $?, x.txt has '$(cat x.txt 2>&1 | tail -c 30)', $(last)"
done

space '"mkdir -p d; cp src.txt d/x"' d; repro
tree=$(find .dvc/cache -name '*.dir'); chmod u+w "$tree"
sed -i 's#"x"#"../escaped"#' "$tree"
md5=$(md5sum < "$tree" | cut -c 1-32)
mkdir -p ".dvc/cache/files/md5/${md5:0:2}"; mv "$tree" ".dvc/cache/files/md5/${md5:0:2}/${md5:2}.dir"
sed -i "s/[0-9a-f]*\.dir/$md5.dir/" dvc.lock; rm -rf d
dvc checkout > "$home/out" 2>&1
tell "folder that names ../escaped" "checkout: status $?, written outside: $(ls escaped 2> /dev/null), $(last)"

space 'cp src.txt ../x.txt' ../x.txt
repro; tell "output outside" "status $?, $(ls ../x.txt 2> /dev/null), $(last)"; rm -f ../x.txt

space '"mkdir -p d; cp src.txt d/x"' d; repro; rm -rf d; mkdir ../outside; echo precious > ../outside/x; ln -s ../outside d
echo edited > src.txt; repro
tell "output replaced by a link" "status $?, outside has '$(cat ../outside/* 2> /dev/null | tr '\n' ' ')', $(last)"; rm -rf ../outside

deep=$(printf '[%.0s' $(seq 100000))
for file in dvc.yaml dvc.lock params.yaml; do
    space 'cp src.txt x.txt'; [ $file = params.yaml ] && dvc params diff > /dev/null 2>&1
    sed -i 's/^    outs/    params: [a]\n    outs/' dvc.yaml
    printf 'a: %s\n' "$deep" > $file
    repro; tell "deep $file" "status $?, $(wc -c < "$home/out") bytes told, $(last)"
done
space 'cp src.txt x.txt'; echo '<<<<<<< HEAD' > dvc.lock
repro; tell "malformed dvc.lock" "status $?, $(last)"

space 'cp src.txt x.txt'; dvc gc > "$home/out" 2>&1; tell "gc without a scope" "status $?, $(last)"

mkdir -p "$home/disk" && mount -t tmpfs -o size=30m tmpfs "$home/disk" && {
    cd "$home/disk" && mkdir w && cd w && dvc init -q --no-scm && echo source > src.txt
    dvc config cache.type copy
    stage 'head -c 12000000 /dev/zero > x.txt' x.txt
    head -c 12000000 /dev/zero > filler
    repro; tell "disk full in storing" "status $?, left aside: $(find .dvc -name '*.tmp*' -o -name '.*tmp*' | wc -l) files, x.txt $(stat -c %s x.txt), $(last)"
    rm filler; repro; tell "  with as much room again" "status $?, $(last)"
    mount -t tmpfs -o remount,size=90m tmpfs "$home/disk"
    repro; tell "  with far more room" "status $?, $(last)"
    rm -f x.txt; head -c 90000000 /dev/zero > filler 2> /dev/null
    dvc checkout > "$home/out" 2>&1; tell "disk full in restoring" "status $?, x.txt $(stat -c %s x.txt 2> /dev/null), $(last)"
    rm filler; dvc checkout > "$home/out" 2>&1; tell "  with room again" "status $?, x.txt $(stat -c %s x.txt 2> /dev/null), $(last)"
    cd "$home"
}

for name in 'with space' "it's" 'ünï☃' $'new\nline'; do
    space 'true' x
    python3 - "$name" <<'PY'
import json, shlex, sys
name = sys.argv[1]
stage = {"cmd": "cp src.txt " + shlex.quote(name), "deps": ["src.txt"], "outs": [name]}
json.dump({"stages": {"s": stage}}, open("dvc.yaml", "w"))
PY
    repro; tell "name '${name//$'\n'/\\n}'" "status $?, $(last)"
done
