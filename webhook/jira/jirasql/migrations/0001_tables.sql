-- One text for SQLite and PostgreSQL: SQLite reads these types by their affinity.
-- Expiries are microseconds since 1970 in UTC, failures milliseconds.

CREATE TABLE IF NOT EXISTS {p}jira_tenant (
  tenant text   NOT NULL PRIMARY KEY,
  last   bigint NOT NULL
);

-- What an app registered. Where sealed says so, url is encrypted; data is JSON.
CREATE TABLE IF NOT EXISTS {p}jira_registration (
  tenant     text   NOT NULL,
  id         bigint NOT NULL,
  app        text   NOT NULL,
  url        bytea  NOT NULL,
  sealed     bigint NOT NULL,
  data       text   NOT NULL,
  expires    bigint NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE INDEX IF NOT EXISTS {p}jira_owner ON {p}jira_registration (tenant, app, id);
CREATE INDEX IF NOT EXISTS {p}jira_expiry ON {p}jira_registration (expires);

CREATE TABLE IF NOT EXISTS {p}jira_failure (
  tenant text   NOT NULL,
  app    text   NOT NULL,
  id     text   NOT NULL,
  url    bytea  NOT NULL,
  sealed bigint NOT NULL,
  body   bytea,
  failed bigint NOT NULL,
  PRIMARY KEY (tenant, app, id)
);
CREATE INDEX IF NOT EXISTS {p}jira_failed ON {p}jira_failure (tenant, app, failed);
CREATE INDEX IF NOT EXISTS {p}jira_failed_at ON {p}jira_failure (failed);

CREATE TABLE IF NOT EXISTS {p}jira_attachment (
  tenant     text NOT NULL,
  workflow   text NOT NULL,
  transition text NOT NULL,
  webhook    text NOT NULL,
  PRIMARY KEY (tenant, workflow, transition, webhook)
);
CREATE INDEX IF NOT EXISTS {p}jira_attached ON {p}jira_attachment (tenant, webhook);

CREATE TABLE IF NOT EXISTS {p}jira_schema (version bigint NOT NULL PRIMARY KEY);
INSERT INTO {p}jira_schema (version) VALUES (1) ON CONFLICT DO NOTHING;
