-- Two roles and one database. The application signs in as soc_app, which owns nothing: it cannot drop a table,
-- empty one or switch off the triggers that keep the audit append-only. soc_owner owns the database and runs
-- the migrations. Neither is a superuser, so the extensions are created here, once, in template1: every database
-- made from it has them, and the same grants.
-- Run by psql as the superuser; passwords come by the environment, where `ps` does not show them. Can run twice.
\getenv owner_password SOC_OWNER_PASSWORD
\getenv app_password SOC_APP_PASSWORD
set client_min_messages = warning;

select format('create role %I login', role) from unnest(array['soc_owner', 'soc_app']) as role
where not exists (select from pg_roles where rolname = role) \gexec
alter role soc_owner nosuperuser password :'owner_password';
alter role soc_app nosuperuser nocreatedb nocreaterole password :'app_password';
-- Compiling a plan takes up to half a second, and what the city asks takes milliseconds.
alter role soc_owner set jit = off;
alter role soc_app set jit = off;

\connect template1
set client_min_messages = warning;
create extension if not exists postgis;
create extension if not exists btree_gist;
alter default privileges for role soc_owner grant select, insert, update, delete on tables to soc_app;
alter default privileges for role soc_owner grant usage, select on sequences to soc_app;

\connect postgres
select 'create database soc owner soc_owner'
where not exists (select from pg_database where datname = 'soc') \gexec
