#!/bin/sh
# Every claim that takes minutes, one after another, then a line for each. --full: the sanitizers too (builds the asan preset).
# Exit status 0 where all pass, 1 otherwise. Other options go to no claim: run a claim by itself to change it.
set -u
here=$(cd "$(dirname "$0")" && pwd)
claims="quickstart_run class_awgn image_awgn gate_selection identical_bits stale_results experts table_policy derivatives invariants golden ldpc_waterfall nr_ldpc loss_prediction coding_choice ldpc_speed demap_speed awgn_speed python_channel
  channel_state channels adaptive_hull regret drift timeline_speed cifar budget yardstick_peak savings mixture steady_state pipeline_speed against_pytorch training_speed against_onnxruntime portable
  image_codecs kodak kodak_nr kodak_tokens nodes_identical nodes_throughput nodes_latency nodes_crowd nodes_malformed nodes_hostile nodes_stall nodes_kill nodes_loss nodes_netem nodes_feedback nodes_page hostile_files"
case "${1:-}" in
  "") ;;
  --full) claims="$claims sanitizers" ;;
  *) echo "usage: all.sh [--full]" >&2; exit 2 ;;
esac
summary=""
worst=0
for claim in $claims; do
  "$here/$claim.py"
  case $? in
    0) word="PASS" ;;
    1) word="FAIL"; worst=1 ;;
    *) word="NOT MEASURED"; worst=1 ;;
  esac
  summary="$summary$word  $claim
"
  echo
done
echo "# summary"
printf '%s' "$summary"
exit $worst
