"""Golden sets from a team's own documents: sampled, drafted, reviewed, audited."""
