"""The front door: the command line, the real clock, the worker, and the processes of a running site.

    groundswell run       processes.supervise: `worker` and `web` as two processes, restarted when they end
    groundswell worker    worker.work: poll -> group and score -> publish, as separate jobs
    groundswell demo      demo: plays the sample edition, then runs worker and site on it at a faster clock
    everything else       commands of `aggregator`, `scoring` and `web`, assembled in `cli`

The only package that imports all three layers, and the only one that reads the real clock.
"""
