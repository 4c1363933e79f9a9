"""Extraction of headers by an AWS Lambda function."""
