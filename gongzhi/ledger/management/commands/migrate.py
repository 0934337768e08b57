"""`migrate`, so that a step and the note that it was taken are one transaction.

Django notes a migration after its tables are committed when indexes or foreign keys wait for the end of
it; killed in between, the step would be tried again on tables that exist already.
"""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate
from django.db import transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState


class WholeSteps(MigrationExecutor):
    """Applies each migration whole, its record included, or not at all."""

    def apply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> ProjectState:
        if not migration.atomic:
            return super().apply_migration(state, migration, fake, fake_initial)
        with transaction.atomic(using=self.connection.alias):
            return super().apply_migration(state, migration, fake, fake_initial)


class Command(migrate.Command):
    """Django's own command with `WholeSteps`."""

    def handle(self, *arguments: Any, **options: Any) -> None:
        # The command takes its executor from its module and offers no other way to choose one.
        migrate.MigrationExecutor = WholeSteps  # type: ignore[attr-defined]
        super().handle(*arguments, **options)
