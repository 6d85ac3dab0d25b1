-- Webhooks that are being deleted: no transition is attached to them meanwhile.
CREATE TABLE IF NOT EXISTS {p}jira_retired (
  tenant  text NOT NULL,
  webhook text NOT NULL,
  PRIMARY KEY (tenant, webhook)
);

INSERT INTO {p}jira_schema (version) VALUES (2) ON CONFLICT DO NOTHING;
