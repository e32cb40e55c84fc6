#!/bin/bash
# A Slurm of one node for tests, as root, without systemd; it listens on this machine's own address only.
#   slurm.sh up DIR [CPUS] [MEMORY_MB]      then SLURM_CONF=DIR/slurm.conf for sbatch and others
#   slurm.sh down DIR
# Debian packages: slurmctld slurmd slurm-client munge
set -euo pipefail
what=${1:?up or down}
dir=$(realpath -m "${2:?folder for its state}")
export SLURM_CONF=$dir/slurm.conf

down() {
  scancel --user "$(id -un)" 2>/dev/null || true
  for file in "$dir"/slurmd.pid "$dir"/slurmctld.pid "$dir"/munge/pid; do
    if [ -s "$file" ]; then kill "$(cat "$file")" 2>/dev/null || true; fi
  done
}

up() {
  local cpus=${1:-2} memory=${2:-4096} host
  host=$(hostname -s)
  install -d -m 755 "$dir" "$dir/state" "$dir/spool"
  install -d -m 700 "$dir/munge"
  (umask 077; head -c 1024 /dev/urandom >"$dir/munge/key")
  cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=256
SchedulerParameters=bf_interval=2,sched_interval=2,batch_sched_delay=0
KillWait=2
ReturnToService=2
SlurmdParameters=config_overrides
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=$memory
PartitionName=test Nodes=$host Default=YES MaxTime=60 State=UP
CONF
  munged --force --key-file="$dir/munge/key" --socket="$dir/munge.socket" --pid-file="$dir/munge/pid" \
    --seed-file="$dir/munge/seed" --log-file="$dir/munge/log"
  slurmctld -c
  slurmd
  for _ in $(seq 120); do
    [ "$(sinfo -h -o %t 2>/dev/null)" = idle ] && return
    sleep 0.5
  done
  tail -n 20 "$dir/slurmctld.log" "$dir/slurmd.log" >&2
  down
  return 1
}

"$what" "${@:3}"
