#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The ttfm authors
#
# A run as a job of Slurm that is queued again until it is finished:
#
#   sbatch slurm.sh FILE NAME [--section.key=value ...]
#
# Two minutes before its time is over, srun's processes get SIGUSR1 (with B: only this shell would): ttfm saves, ends
# with 75, and the job goes back into the queue. Of any other end Slurm is told as it is.
#SBATCH --job-name=ttfm
#SBATCH --time=04:00:00
#SBATCH --signal=USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log
set -u
file=$1
name=$2
shift 2

srun ttfm run "$file" --run.name="$name" --resume=auto "$@"
code=$?
if ((code == 75)); then scontrol requeue "$SLURM_JOB_ID"; fi
exit "$code"
