"""The member that submits work: jobs, windows, the ledger, the commit."""
