#!/bin/bash
# Runs a small benchmark through a real Slurm of one node: 8 tasks, of which one is killed and put into
# the queue again, and through Snakemake; both give the runs of one process, byte for byte but for
# their provenance. Needs root, and Debian's slurm-wlm, munge and snakemake.
set -euo pipefail
heed=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d /tmp/heed-cluster.XXXXXX)
failed=1
finish() {
  for name in slurmd slurmctld munged; do
    pid=$(cat "$work/$name.pid" 2>/dev/null) && kill "$pid" 2>/dev/null || continue
    # It writes files until it ends.
    for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  done
  if [ $failed = 0 ]; then rm -rf "$work"; else echo "what was made is in $work" >&2; fi
}
trap finish EXIT
cd "$work"
host=$(hostname -s)

# A key and a socket of our own: a munge of the machine's is left alone.
dd if=/dev/urandom of=munge.key bs=1024 count=1 2>/dev/null
chmod 400 munge.key
chmod 755 .
munged --key-file="$work/munge.key" --socket="$work/munge.socket" --pid-file="$work/munged.pid" \
  --log-file="$work/munged.log" --seed-file="$work/munge.seed" --force
mkdir state spool
cat > slurm.conf <<CONF
ClusterName=heed
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmctldPort=16817
SlurmdPort=16818
AuthType=auth/munge
AuthInfo=socket=$work/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
ReturnToService=2
KillWait=30
MinJobAge=600
# A task that is put back waits for as long as credentials last.
SchedulerParameters=requeue_delay=1
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$(awk "/MemTotal/ {print int(\$2 / 1024)}" /proc/meminfo) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4
CONF
echo CgroupPlugin=cgroup/v1 > cgroup.conf
export SLURM_CONF=$work/slurm.conf
slurmctld
slurmd -N "$host"
for _ in $(seq 60); do sinfo -h -o %T | grep -q idle && break; sleep 1; done
sinfo -h -o %T | grep -q idle || { echo "Slurm's node is not idle: see $work/slurmd.log" >&2; exit 1; }

cp "$here/suite.jsonl" .
runs=(--suite suite.jsonl --seeds 0..1 --methods stable-diffusion,attend-and-excite)
HEED_THREADS=1 "$heed" benchmark run "${runs[@]}" -o whole

"$heed" benchmark submit --slurm --cpus 1 --shards 8 "${runs[@]}" -o slurm
killed=
for _ in $(seq 600); do
  # One task is stopped as Slurm stops it before its time is over; it goes on where it was.
  if [ -z "$killed" ] && job=$(squeue -h -t R -o %A | head -1) && [ -n "$job" ] \
    && compgen -G "slurm/runs/*/*/*/calls.jsonl" > /dev/null; then
    scancel --signal=TERM --batch "$job" && killed=$job
  fi
  squeue -h | grep -q . || break
  sleep 1
done
[ -n "$killed" ] || { echo "no task was seen running" >&2; exit 1; }
squeue -h | grep -q . && { echo "Slurm still has tasks after ten minutes" >&2; squeue >&2; exit 1; }
grep -h interrupted slurm/task-*.log || { echo "no task was interrupted" >&2; exit 1; }
rm -f slurm/submit.sh slurm/task-*.log
python3 "$here/same_runs.py" whole slurm

if command -v snakemake > /dev/null; then
  "$heed" benchmark run "${runs[@]}" -o snake --shards 4 --list > commands.txt
  cp "$here/Snakefile" .
  HEED_THREADS=1 snakemake --cores 2 --quiet
  python3 "$here/same_runs.py" whole snake
else
  echo "Snakemake is not there: apt-get install snakemake" >&2
  exit 1
fi
failed=0
echo "8 tasks of Slurm, one of them put back, and 4 of Snakemake: the same runs as of one process"
