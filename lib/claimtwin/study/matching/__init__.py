"""The match of somebody's own units, without a study: Arrow tables in, Arrow tables out, and no Spark."""
