"""What several processors share: attribute actions, matching, patterns, sampling arithmetic."""
