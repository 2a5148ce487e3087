"""The papers' figures of a task, and a few beyond them, from its evidence; and one of the audit."""
