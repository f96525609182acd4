# SPDX-License-Identifier: GPL-2.0-only
# slurm.sh - after tap.sh: a Slurm of the test's own on this machine's loopback, with four nodes that have an emulator
# each; two have the feature icelake, two sapphire. Nothing of it is left when the test ends.
#
#	have_slurm; start_slurm; start_controller; start_node N; stop_slurm; SLURM (its folder)
SLURM=$TMP/slurm

have_slurm() {
	[ "$(id -u)" = 0 ] && command -v slurmctld slurmd srun munged >/dev/null
}

configure_slurm() {
	local i
	mkdir -p "$SLURM"/{munge,state,log}
	chmod 755 "$TMP" "$SLURM" "$SLURM/munge"
	chmod 700 "$SLURM/state"
	head -c 1024 /dev/urandom >"$SLURM/munge/key"
	chmod 400 "$SLURM/munge/key"
	cat >"$SLURM/slurm.conf" <<-CONF
		ClusterName=nestlab
		SlurmctldHost=localhost(127.0.0.1)
		SlurmUser=root
		SlurmdUser=root
		AuthType=auth/munge
		AuthInfo=socket=$SLURM/munge/socket,cred_expire=20
		SlurmctldPort=$("$TOP/tests/lib/free_port.py")
		CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
		StateSaveLocation=$SLURM/state
		SlurmdSpoolDir=$SLURM/spool.%n
		SlurmctldPidFile=$SLURM/slurmctld.pid
		SlurmdPidFile=$SLURM/slurmd.%n.pid
		SlurmctldLogFile=$SLURM/log/slurmctld.log
		SlurmdLogFile=$SLURM/log/slurmd.%n.log
		ProctrackType=proctrack/linuxproc
		TaskPlugin=task/none
		JobAcctGatherType=jobacct_gather/none
		AccountingStorageType=accounting_storage/none
		JobCompType=jobcomp/none
		MpiDefault=none
		SelectType=select/cons_tres
		SelectTypeParameters=CR_CPU_Memory
		SchedulerType=sched/backfill
		SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
		PriorityType=priority/basic
		SlurmctldTimeout=10
		SlurmdTimeout=5
		ReturnToService=2
		KillWait=2
		SlurmdParameters=config_overrides
		GresTypes=emulator
		PartitionName=lab Nodes=ALL Default=YES MaxTime=INFINITE State=UP
	CONF
	for i in 1 2 3 4; do
		echo "NodeName=n$i NodeHostname=localhost NodeAddr=127.0.0.1 Port=$("$TOP/tests/lib/free_port.py") CPUs=1 RealMemory=2000" \
			"Gres=emulator:1 Feature=$([ $i -le 2 ] && echo icelake || echo sapphire)"
		mkdir -p "$SLURM/spool.n$i"
	done >>"$SLURM/slurm.conf"
	echo 'Name=emulator Count=1' >"$SLURM/gres.conf"
	export SLURM_CONF=$SLURM/slurm.conf
}

start_controller() { slurmctld -f "$SLURM_CONF" >/dev/null 2>&1; }
start_node() { slurmd -N "n$1" -f "$SLURM_CONF" >/dev/null 2>&1; }

start_slurm() {
	local i
	configure_slurm
	munged --force --key-file="$SLURM/munge/key" --socket="$SLURM/munge/socket" --pid-file="$SLURM/munge/pid" \
		--log-file="$SLURM/munge/log" --seed-file="$SLURM/munge/seed" >/dev/null 2>&1
	start_controller
	for i in 1 2 3 4; do start_node $i; done
}

# Only what this test has started: by the numbers in its own files.
stop_slurm() {
	local f
	for f in "$SLURM"/slurmd.*.pid "$SLURM/slurmctld.pid" "$SLURM/munge/pid"; do
		[ -s "$f" ] && kill -KILL "$(cat "$f")" 2>/dev/null
	done
}
