#!/bin/sh
# Serves the model of FOLDER (see install.sh) with vLLM while COMMAND runs, which finds it by AIRGAP_REMOTE_URL.
# usage: serve.sh FOLDER [OPTION...] -- COMMAND...      options of `vllm serve`, such as --data-parallel-size 2
set -eu
folder=$(cd "$1" && pwd)
shift
options=
while [ "$1" != -- ]; do
  options="$options $1"
  shift
done
shift
export AIRGAP_REMOTE_FOLDER="$folder/SmolLM2-phi3"
export AIRGAP_REMOTE_URL="http://127.0.0.1:${PORT:-8000}/v1"
export VLLM_CPU_KVCACHE_SPACE=1 HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1
# shellcheck disable=SC2086 # options are words
PATH="$folder/venv/bin:$PATH" nice -n 19 vllm serve "$AIRGAP_REMOTE_FOLDER" --served-model-name smollm2 \
  --host 127.0.0.1 --port "${PORT:-8000}" --dtype float32 --enforce-eager --enable-prefix-caching $options \
  > "$folder/vllm.log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null; wait $server || true' EXIT INT TERM
until curl --silent --fail --output /dev/null --noproxy '*' "$AIRGAP_REMOTE_URL/models"; do
  kill -0 $server 2>/dev/null || { tail -n 40 "$folder/vllm.log"; exit 1; }
  sleep 1
done
"$@"
