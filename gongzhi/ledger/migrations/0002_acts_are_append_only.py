"""The database itself refuses to change or remove an act."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION ledger_act_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'acts are never changed or removed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER act_append_only BEFORE UPDATE OR DELETE ON ledger_act
  FOR EACH ROW EXECUTE FUNCTION ledger_act_append_only();
CREATE TRIGGER act_no_truncate BEFORE TRUNCATE ON ledger_act
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_act_append_only();
"""
BACKWARD = """
DROP TRIGGER act_no_truncate ON ledger_act;
DROP TRIGGER act_append_only ON ledger_act;
DROP FUNCTION ledger_act_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
