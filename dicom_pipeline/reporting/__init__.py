"""Archive statistics, charts, HTML report, disclosure control."""
