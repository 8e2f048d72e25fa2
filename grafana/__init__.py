"""The Grafana dashboards, as the code that builds them; what Grafana loads lies in `dashboards/`."""
