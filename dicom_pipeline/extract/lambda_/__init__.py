"""Reading headers on AWS Lambda."""
