# shellcheck shell=bash
# tallygate for bash 4.4 and newer: source this file, then
#
#   tallygate_start -c policy.toml [--agent NAME] [--run ID]
#   tallygate_govern TOOL ARGS_JSON COMMAND [WORD...]
#   tallygate_stop
#
# One sidecar serves the whole script. COMMAND, a program or a function, runs only when the sidecar
# asks for it, in a subshell of its own. Works under `set -euo pipefail`. README.md says more.

# --- JSON: enough to say and to read what goes over the wire. -------------------------------------

# Prints $1 as a JSON string, quotes included.
tallygate_json_string() {
  local LC_ALL=C text=$1 char escaped code
  text=${text//\\/'\\'}
  text=${text//\"/'\"'}
  if [[ $text == *[[:cntrl:]]* ]]; then
    for code in {1..31} 127; do
      printf -v escaped '\\%03o' "$code"
      printf -v char '%b' "$escaped"
      printf -v escaped '\\u%04x' "$code"
      text=${text//"$char"/"$escaped"}
    done
  fi
  printf '"%s"' "$text"
}

# Prints an object of strings: tallygate_json_object KEY TEXT [KEY TEXT]...
tallygate_json_object() {
  local out=''
  while (($# > 1)); do
    out+=${out:+,}$(tallygate_json_string "$1"):$(tallygate_json_string "$2")
    shift 2
  done
  printf '{%s}' "$out"
}

# Prints the member $2 of the object $1 as it is written there; fails where there is none.
tallygate_json_get() {
  local LC_ALL=C rest=$1 key REPLY
  __tallygate_trim "$rest"
  [[ $REPLY == '{'* ]] || return 1
  rest=${REPLY:1}
  while __tallygate_trim "$rest" && [[ $REPLY == '"'* ]]; do
    rest=$REPLY
    __tallygate_value "$rest"
    rest=${rest:${#REPLY}}
    key=$(tallygate_json_text "$REPLY") || key=''
    __tallygate_trim "$rest"
    __tallygate_trim "${REPLY#:}"
    rest=$REPLY
    __tallygate_value "$rest"
    if [[ $key == "$2" ]]; then
      printf '%s' "$REPLY"
      return 0
    fi
    __tallygate_trim "${rest:${#REPLY}}"
    rest=${REPLY#,}
  done
  return 1
}

# Prints the text of the JSON string $1; other values as they are. Fails on a text with NUL in it,
# which bash cannot hold.
tallygate_json_text() {
  local LC_ALL=C rest=$1 out='' code low
  [[ $rest == '"'*'"' ]] || { printf '%s' "$rest"; return 0; }
  rest=${rest:1:${#rest}-2}
  while [[ $rest == *\\* ]]; do
    out+=${rest%%\\*}
    rest=${rest#*\\}
    case $rest in
      u*)
        code=$((16#${rest:1:4}))
        rest=${rest:5}
        if ((code >= 0xD800 && code < 0xDC00)); then
          low=$((16#${rest:2:4}))
          rest=${rest:6}
          code=$((0x10000 + ((code - 0xD800) << 10) + low - 0xDC00))
        fi
        ((code != 0)) || return 1
        __tallygate_utf8 "$code"
        out+=$REPLY
        ;;
      n*) out+=$'\n' rest=${rest:1} ;;
      t*) out+=$'\t' rest=${rest:1} ;;
      r*) out+=$'\r' rest=${rest:1} ;;
      b*) out+=$'\b' rest=${rest:1} ;;
      f*) out+=$'\f' rest=${rest:1} ;;
      *) out+=${rest:0:1} rest=${rest:1} ;;
    esac
  done
  printf '%s' "$out$rest"
}

# The helpers below leave what they find in REPLY.

__tallygate_trim() { REPLY=${1#"${1%%[![:space:]]*}"}; }

# The first value of $1, which begins with it.
__tallygate_value() {
  local rest=$1 depth=0 piece
  while [[ -n $rest ]]; do
    case $rest in
      '"'*) __tallygate_quoted "$rest"; piece=$REPLY ;;
      ['{[']*) piece=${rest:0:1}; depth=$((depth + 1)) ;;
      ['}]']*) piece=${rest:0:1}; depth=$((depth - 1)) ;;
      [,:]*) piece=${rest:0:1} ;;
      *) piece=${rest%%[\"\{\}\[\],:[:space:]]*}; piece=${piece:-${rest:0:1}} ;;
    esac
    rest=${rest:${#piece}}
    ((depth > 0)) || break
  done
  REPLY=${1:0:${#1}-${#rest}}
}

# The string that $1 begins with, quotes included.
__tallygate_quoted() {
  local rest=${1:1} piece tail
  while [[ $rest == *'"'* ]]; do
    piece=${rest%%\"*}
    rest=${rest:${#piece}+1}
    tail=${piece##*[!\\]}
    ((${#tail} % 2)) || break # a quote behind an odd number of backslashes does not end it
  done
  REPLY=${1:0:${#1}-${#rest}}
}

__tallygate_utf8() {
  local code=$1 octal
  if ((code < 0x80)); then
    printf -v octal '\\%03o' "$code"
  elif ((code < 0x800)); then
    printf -v octal '\\%03o' $((0xC0 | code >> 6)) $((0x80 | code & 63))
  elif ((code < 0x10000)); then
    printf -v octal '\\%03o' $((0xE0 | code >> 12)) $((0x80 | code >> 6 & 63)) $((0x80 | code & 63))
  else
    printf -v octal '\\%03o' $((0xF0 | code >> 18)) $((0x80 | code >> 12 & 63)) \
      $((0x80 | code >> 6 & 63)) $((0x80 | code & 63))
  fi
  printf -v REPLY '%b' "$octal"
}

# --- The sidecar. ---------------------------------------------------------------------------------

__tallygate_pid='' __tallygate_owner='' __tallygate_from='' __tallygate_to='' __tallygate_ids=0
__tallygate_answer='' __tallygate_code=0
declare -gA __tallygate_tools=()

# Starts the sidecar and opens the session. --agent and --run are the session's; all other words are
# those of `tallygate serve`. $TALLYGATE_BIN names the program, if it is not in $PATH.
tallygate_start() {
  local agent=${TALLYGATE_AGENT-} run=${TALLYGATE_RUN-} words=() shield=() session
  while (($#)); do
    case $1 in
      --agent) agent=$2 && shift 2 ;;
      --run) run=$2 && shift 2 ;;
      *) words+=("$1") && shift ;;
    esac
  done
  if [[ -n $__tallygate_pid ]]; then
    __tallygate_say 'the sidecar runs already'
    return 2
  fi
  # Ctrl-C is for the command that runs; the sidecar stays to write down how that ended.
  [[ $- == *m* ]] || ! command -v setsid >/dev/null || shield=(setsid)
  coproc TALLYGATE_SIDECAR { exec "${shield[@]}" "${TALLYGATE_BIN:-tallygate}" serve "${words[@]}"; }
  __tallygate_pid=$TALLYGATE_SIDECAR_PID __tallygate_owner=$BASHPID __tallygate_tools=()
  # A coprocess's own descriptors are closed in subshells, of which $(...) and pipelines are made.
  exec {__tallygate_from}<&"${TALLYGATE_SIDECAR[0]}" {__tallygate_to}>&"${TALLYGATE_SIDECAR[1]}"
  exec {TALLYGATE_SIDECAR[0]}<&- {TALLYGATE_SIDECAR[1]}>&-
  session=${agent:+\"agent\":$(tallygate_json_string "$agent")}
  session+=${run:+${session:+,}\"run\":$(tallygate_json_string "$run")}
  session='"session":{'$session'},"capabilities":{"execute":true}'
  session='{"protocolVersion":1,"client":{"name":"tallygate.bash","version":"1"},'$session'}'
  __tallygate_ask initialize "$session"
  if ((__tallygate_code != 0)); then
    tallygate_stop
    return 2
  fi
  session=$(tallygate_json_get "$__tallygate_answer" session)
  TALLYGATE_AGENT=$(tallygate_json_text "$(tallygate_json_get "$session" agent)")
  TALLYGATE_RUN=$(tallygate_json_text "$(tallygate_json_get "$session" run)")
}

# Lets what runs end, closes the session and waits for the sidecar's end. Does nothing where none
# runs, so that it can stand in a trap: trap tallygate_stop EXIT
tallygate_stop() {
  local pid=$__tallygate_pid
  [[ -n $pid && $BASHPID == "$__tallygate_owner" ]] || return 0
  __tallygate_ask shutdown '{}' 2>/dev/null
  __tallygate_pid=''
  exec {__tallygate_from}<&- {__tallygate_to}>&-
  kill -TERM "$pid" 2>/dev/null || true # a child of ours may hold the other end open
  wait "$pid" 2>/dev/null || true
}

# tallygate_govern [--call-id ID] [--cost UNIT=AMOUNT]... [--wait] TOOL ARGS_JSON COMMAND [WORD...]
#
# Returns what COMMAND returned, where it ran; else 1 the store failed, 2 refused as it was asked,
# 3 denied, 4 held, 5 scope closed, 7 in doubt, 124 its time was up. Sets TALLYGATE_RESULT (the
# ActionResult), TALLYGATE_STATUS, TALLYGATE_CODE and TALLYGATE_REASON, which tell it for certain.
# COMMAND finds the call's id in $TALLYGATE_ACTION and its arguments in $TALLYGATE_ARGS.
tallygate_govern() {
  local name='' costs='' waits=false body='' status=0 tool params REPLY
  TALLYGATE_RESULT='' TALLYGATE_STATUS='' TALLYGATE_CODE='' TALLYGATE_REASON=''
  while [[ ${1-} == --* ]]; do
    case $1 in
      --call-id) name=,\"callId\":$(tallygate_json_string "$2") && shift 2 ;;
      --cost)
        costs+=${costs:+,}$(tallygate_json_string "${2%%=*}"):$(tallygate_json_string "${2#*=}")
        shift 2
        ;;
      --wait) waits=true && shift ;;
      *) __tallygate_say "tallygate_govern: unknown option $1" && return 2 ;;
    esac
  done
  if (($# < 3)); then
    __tallygate_say 'tallygate_govern wants TOOL, ARGS_JSON and COMMAND'
    return 2
  fi
  tool=$(tallygate_json_string "$1") params=${2//$'\n'/ }
  __tallygate_value "$params" # one value, lest members of the request hide behind it
  __tallygate_trim "${params:${#REPLY}}"
  if [[ -n $REPLY || $params != '{'* ]]; then
    __tallygate_say 'tallygate_govern wants its arguments as one JSON object'
    return 2
  fi
  params='{"tool":'$tool',"args":'$params$name${costs:+,\"cost\":{$costs\}}'}'
  shift 2
  __tallygate_register "$tool"
  ((__tallygate_code == 0)) || return "$__tallygate_code"
  __tallygate_ask actions/govern "$params" "$@"
  ((__tallygate_code == 0)) || return "$__tallygate_code"
  __tallygate_take "$__tallygate_answer"
  if [[ $TALLYGATE_STATUS == held ]]; then
    __tallygate_say "held: $TALLYGATE_REASON"
    __tallygate_say "to let it run:  tallygate approve $(
      tallygate_json_text "$(tallygate_json_get "$TALLYGATE_RESULT" actionId)")"
    $waits || return 4
    params='{"actionId":'$(tallygate_json_get "$TALLYGATE_RESULT" actionId)',"waitMs":2592000000}'
    __tallygate_ask actions/resume "$params" "$@"
    ((__tallygate_code == 0)) || return "$__tallygate_code"
    __tallygate_take "$__tallygate_answer"
  fi
  [[ -z $body ]] || wait "$body" || status=$?
  __tallygate_return "$status" "$body"
}

__tallygate_say() { printf 'tallygate: %s\n' "$*" >&2; }

__tallygate_register() {
  __tallygate_code=0
  [[ -z ${__tallygate_tools[$1]-} ]] || return 0
  __tallygate_ask tools/register '{"tools":[{"name":'"$1"'}]}'
  ((__tallygate_code != 0)) || __tallygate_tools[$1]=1
}

# Says a request and reads until it is answered; the result is left in __tallygate_answer. Words
# after METHOD and PARAMS are the command to run when the sidecar asks for it. How that went is left
# in __tallygate_code: a test of this function, such as `||`, would lift `set -e` in the command.
__tallygate_ask() {
  local method=$1 params=$2 id line
  shift 2
  id=\"$BASHPID.$((__tallygate_ids += 1))\"
  __tallygate_answer='' __tallygate_code=1
  if [[ -z $__tallygate_pid ]] || ! kill -0 "$__tallygate_pid" 2>/dev/null; then
    __tallygate_say 'no sidecar runs; nothing was run'
    return 0
  fi
  # In a subshell: if the sidecar has just ended, SIGPIPE ends that and not the script.
  if ! (printf '{"jsonrpc":"2.0","id":%s,"method":"%s","params":%s}\n' "$id" "$method" "$params" \
    >&"$__tallygate_to") 2>/dev/null; then
    __tallygate_say 'the sidecar has ended; nothing was run'
    return 0
  fi
  while IFS= read -r -u "$__tallygate_from" line; do
    case $(tallygate_json_get "$line" method || true) in
      '"tools/execute"') __tallygate_execute "$line" "$@" ;;
      '"$/cancelRequest"') [[ -z ${body-} ]] || kill -TERM "$body" 2>/dev/null || true ;;
      '')
        __tallygate_hear "$line" "$id"
        return 0
        ;;
    esac
  done
  __tallygate_code=7
  __tallygate_say 'the sidecar ended; whether a command that ran was recorded is not known'
}

# A response, which has to be that to the request $2.
__tallygate_hear() {
  local answered error
  answered=$(tallygate_json_get "$1" id)
  if [[ $answered != "$2" && $answered != null ]]; then
    __tallygate_code=7
    __tallygate_say 'two calls of one session at once: start another session for the other'
  elif __tallygate_answer=$(tallygate_json_get "$1" result); then
    __tallygate_code=0
  else
    __tallygate_code=2
    error=$(tallygate_json_get "$1" error)
    __tallygate_say "$(tallygate_json_text "$(tallygate_json_get "$error" message)")"
  fi
}

# Starts the command. It answers by itself when it has ended, so that we can go on reading.
__tallygate_execute() {
  local id params
  id=$(tallygate_json_get "$1" id)
  params=$(tallygate_json_get "$1" params)
  shift
  __tallygate_body "$id" "$params" "$@" <&0 &
  body=$! # of tallygate_govern
}

# In a subshell: the command in a process group of its own, which can be stopped as a whole.
__tallygate_body() {
  local id=$1 params=$2 errexit=${-//[^e]/} status=0 answer stderr command='' stopped=''
  shift 2
  set +e
  TALLYGATE_ACTION=$(tallygate_json_text "$(tallygate_json_get "$params" actionId)")
  TALLYGATE_ARGS=$(tallygate_json_get "$params" args)
  export TALLYGATE_ACTION TALLYGATE_ARGS TALLYGATE_RUN TALLYGATE_AGENT
  exec {stderr}>&2 2>/dev/null # what bash says of jobs that are stopped is of no interest
  # The group is gone within the two seconds that a sidecar waits.
  trap 'stopped=1; [[ -z $command ]] || __tallygate_end_group "$command"' TERM
  trap '[[ -z $command ]] || kill -INT -- -$command' INT
  set -m
  (
    set +m
    trap - INT TERM
    exec 2>&"$stderr" {stderr}>&- {__tallygate_from}<&- {__tallygate_to}>&-
    [[ -z $errexit ]] || set -e
    "$@"
  ) <&0 &
  command=$!
  [[ -z $stopped ]] || __tallygate_end_group "$command"
  wait "$command"
  status=$?
  while kill -0 "$command"; do # it was a signal to us that ended the wait
    wait "$command"
    status=$?
  done
  if ((status == 0)); then
    answer='"result":{"output":{"exitCode":0}}'
  else
    answer='"error":{"code":1,"message":"the command ended with exit code '$status'"}'
  fi
  printf '{"jsonrpc":"2.0","id":%s,%s}\n' "$id" "$answer" >&"$__tallygate_to"
  exit "$status"
}

__tallygate_end_group() {
  kill -TERM -- "-$1"
  { sleep 1.5; kill -KILL -- "-$1"; } >/dev/null &
}

__tallygate_take() {
  TALLYGATE_RESULT=$1
  TALLYGATE_STATUS=$(tallygate_json_text "$(tallygate_json_get "$1" status)")
  TALLYGATE_CODE=$(tallygate_json_text "$(tallygate_json_get "$1" code || true)")
  TALLYGATE_REASON=$(tallygate_json_text "$(tallygate_json_get "$1" reason || true)")
}

# The exit code of a call that has been taken: $1 is its command's, $2 empty where none ran.
__tallygate_return() {
  local status=$1 ran=$2
  case $TALLYGATE_STATUS:$TALLYGATE_CODE in
    completed:*) return 0 ;;
    in_doubt:* | granted:*) status=7 ;;
    held:*) status=4 ;;
    *:execution_timeout) status=124 ;;
    *:scope_*) status=5 ;;
    *:store_*) status=1 ;;
    *) [[ -n $ran && $status != 0 ]] || status=3 ;;
  esac
  [[ -n $ran && $TALLYGATE_CODE == tool_error ]] ||
    __tallygate_say "$TALLYGATE_STATUS${TALLYGATE_CODE:+ ($TALLYGATE_CODE)}: $TALLYGATE_REASON"
  return "$status"
}
