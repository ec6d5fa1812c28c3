"""From steps to replies: the one place that spends money, runs processes and waits.

Nothing is gathered here: who only wants a plan should not load what spends. Import from the modules.
"""
