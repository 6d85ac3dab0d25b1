#!/bin/sh
# Writes spellings.jsonl: how escapers of Go, JavaScript (node) and Python spell secrets.
# Each line is a JSON list: the escaper, the secret, what the escaper made of it.
set -eu
cd "$(dirname "$0")"
{
	go run spell.go
	node spell.js
	python3 spell.py
} >spellings.jsonl
