#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What `make check` runs once the packages are there: every stage, one after the other, also when one has failed.
# Logs are kept in build/check/. The last line is `N passed, N failed`; the exit status is 1 unless nothing failed.
# JOBS sets how many compilers and test workers run at once. Words given name the stages to run (default: all).
cd "$(dirname "$0")/.." || exit 2
exec </dev/null

JOBS=${JOBS:-2}
OUT=$PWD/build/check
PYTHON=/usr/bin/python3
UNITS=$(cd tests/unit && ls ./*.c 2>/dev/null | sed 's|^\./||; s|\.c$||')
FUZZERS=$(cd tests/fuzz && ls ./fuzz_*.c 2>/dev/null | sed 's|^\./||; s|\.c$||')
rm -rf "$OUT"
mkdir -p "$OUT"

# Nothing of the caller's set-up may decide a test: not its make flags, its settings, its zone, its locale.
unset MAKEFLAGS MFLAGS MAKELEVEL NO_COLOR COLUMNS LINES TMUX CC OPT SAN B BIN
for v in $(env | sed -n 's/^\(STALWARDEN_[A-Z_]*\)=.*/\1/p'); do
	unset "$v"
done
export LC_ALL=C.UTF-8 TZ=UTC XDG_CONFIG_HOME="$OUT/xdg/config" XDG_STATE_HOME="$OUT/xdg/state"

passed=0 failed=0 # of the whole run
p=0 f=0 note=     # of the current stage
log=              # of the current stage

# One test that is a command: its output goes to the log, and to the screen when it fails.
one() { # NAME COMMAND…
	name=$1
	shift
	echo "## $name: $*" >>"$log"
	"$@" >"$OUT/last" 2>&1
	status=$?
	if [ $status = 0 ]; then
		p=$((p + 1))
	else
		f=$((f + 1))
		echo "FAILED $name (status $status)"
		tail -n 40 "$OUT/last" | sed 's/^/    /'
	fi
	cat "$OUT/last" >>"$log"
}

stage() { # NAME COMMAND…
	stage=$1
	shift
	[ -n "$wanted" ] && case " $wanted " in *" $stage "*) ;; *) return ;; esac
	p=0 f=0 note= log=$OUT/$stage.log
	: >"$log"
	echo "== $stage"
	began=$(date +%s)
	"$@"
	echo "== $stage: $p passed, $f failed${note:+ ($note)}, $(($(date +%s) - began)) s"
	passed=$((passed + p)) failed=$((failed + f))
}

# Counts the tests of a program of cmocka that was run; one that says nothing countable has crashed.
count_unit() { # NAME
	echo "## $1" >>"$log"
	cat "$OUT/unit.$1" >>"$log"
	status=$(cat "$OUT/unit.$1.status")
	good=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test(s).*/\1/p' "$OUT/unit.$1" | tail -n 1)
	bad=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test(s).*/\1/p' "$OUT/unit.$1" | tail -n 1)
	[ "$status" != 0 ] && [ "${bad:-0}" = 0 ] && bad=1
	[ "$status" = 0 ] && [ -z "$good" ] && bad=1
	p=$((p + ${good:-0})) f=$((f + ${bad:-0}))
	if [ "${bad:-0}" != 0 ]; then
		echo "FAILED $1 (status $status)"
		grep -v '^\[ RUN\|^\[       OK' "$OUT/unit.$1" | tail -n 40 | sed 's/^/    /'
	fi
	rm -f "$OUT/unit.$1" "$OUT/unit.$1.status"
}

# All at once for speed, keeping going; then each by itself, so that one that does not build fails alone. Run as many at a time.
units_in() { # BUILD-DIRECTORY MAKE-ARGUMENTS…
	dir=$1 goals= built=
	shift
	for u in $UNITS; do
		goals="$goals $dir/unit/$u"
	done
	make -k -j"$JOBS" "$@" GOALS="$goals" >>"$log" 2>&1
	for u in $UNITS; do
		if make "$@" GOALS="$dir/unit/$u" >"$OUT/last" 2>&1; then
			built="$built $u"
		else
			cat "$OUT/last" >>"$log"
			f=$((f + 1))
			echo "FAILED $u: does not build"
			tail -n 20 "$OUT/last" | sed 's/^/    /'
		fi
	done
	export OUT dir
	# shellcheck disable=SC2016
	echo "$built" | tr ' ' '\n' | sed '/^$/d' |
		xargs -P "$JOBS" -I NAME sh -c 'timeout 300 "$dir/unit/$1" >"$OUT/unit.$1" 2>&1; echo $? >"$OUT/unit.$1.status"' - NAME
	for u in $built; do
		count_unit "$u"
	done
	[ -n "$UNITS" ] || note="none yet"
}

# The number before a word in pytest's last line; 0 when it is not there.
count() { # EXTENDED-REGEX
	n=$(echo "$summary" | grep -oE "[0-9]+ ($1)\b" | grep -oE '^[0-9]+')
	echo "${n:-0}"
}

run_pytest() { # BINARY PATH…
	bin=$1 workers=
	shift
	if ! find "$@" -name 'test_*.py' | grep -q .; then
		note="none yet"
		return
	fi
	$PYTHON -c 'import xdist' 2>/dev/null && workers="-n $JOBS"
	# shellcheck disable=SC2086
	STALWARDEN_BIN=$bin timeout 2400 $PYTHON -m pytest -q -ra -p no:cacheprovider $workers "$@" >"$OUT/last" 2>&1
	status=$?
	cat "$OUT/last" >>"$log"
	summary=$(tail -n 1 "$OUT/last")
	good=$(count passed) bad=$(($(count failed) + $(count 'errors?'))) skipped=$(count skipped)
	[ "$status" != 0 ] && [ "$status" != 5 ] && [ "$bad" = 0 ] && bad=1
	p=$((p + good)) f=$((f + bad))
	[ "$skipped" != 0 ] && note="$skipped skipped"
	if [ "$bad" != 0 ]; then
		grep -E '^(FAILED|ERROR|E  )' "$OUT/last" | tail -n 60 | sed 's/^/    /'
		tail -n 3 "$OUT/last" | sed 's/^/    /'
	fi
}

# Reports go to files: the terminal of a process under test is often not ours. Status 99 is no answer stalwarden gives.
sanitised() {
	reports=$OUT/sanitizer
	export ASAN_OPTIONS="detect_leaks=1:exitcode=99:log_path=$reports"
	export UBSAN_OPTIONS="print_stacktrace=1:exitcode=99:log_path=$reports"
	[ -f tests/lsan.supp ] && export LSAN_OPTIONS="suppressions=$PWD/tests/lsan.supp:print_suppressions=0"
	"$@"
	unset ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS
	for r in "$reports".*; do
		[ -f "$r" ] || continue
		f=$((f + 1))
		echo "FAILED: sanitizer report $r"
		head -n 30 "$r" | sed 's/^/    /'
		mv "$r" "$OUT/reported.$(basename "$r")"
	done
}

asan_python() {
	dirs=
	for d in tests/cli tests/conformance tests/screen tests/pty; do
		[ -d "$d" ] && dirs="$dirs $d"
	done
	if [ -z "$dirs" ]; then
		note="none yet"
		return
	fi
	one "make asan" make -j"$JOBS" asan
	# shellcheck disable=SC2086
	[ "$f" = 0 ] && sanitised run_pytest "$PWD/build/asan/stalwarden" $dirs
}

replay() { # TARGET: all of its corpus; an empty corpus is no test
	make fuzz FUZZERS="$1" || return 1
	set -- "$1" tests/fuzz/corpus/"$1"/*
	[ -f "$2" ] || { echo "no corpus"; return 1; }
	target=$1
	shift
	"build/fuzzing/fuzz/$target" -timeout=10 -artifact_prefix="$OUT/" "$@"
}

replay_all() {
	[ -n "$FUZZERS" ] || note="none yet"
	make -k -j"$JOBS" fuzz >>"$log" 2>&1
	for t in $FUZZERS; do
		one "$t" replay "$t"
	done
}

check_docs() {
	[ -f tools/docgen.sh ] && one "generated pages are current" sh tools/docgen.sh --check
	for page in doc/*.[1-9]; do
		[ -f "$page" ] && one "$page" mandoc -Tlint -Wwarning "$page"
	done
	[ $((p + f)) = 0 ] && note="none yet"
}

wanted=$*
stage build one make make -j"$JOBS" CC=gcc all
stage layers one layers make layers
stage clang one warnings make -j"$JOBS" warnings
stage unit units_in build CC=gcc units
stage python run_pytest "$PWD/stalwarden" tests
stage asan-unit sanitised units_in build/asan asan
stage asan-python asan_python
stage fuzz replay_all
stage docs check_docs
rm -f "$OUT/last"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
