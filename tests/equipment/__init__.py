"""Test equipment: requests, loopback servers, small channels and indexes."""
