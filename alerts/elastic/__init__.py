"""The alert store on an Elasticsearch server, behind the contract of :mod:`alerts.store`."""
