# Databricks notebook source
# MAGIC %md
# MAGIC # Claimtwin quickstart
# MAGIC
# MAGIC Runs a matched study on claims tables that `claimtwin ingest` has written, or first makes up claims with a
# MAGIC planted truth. Install the `claimtwin` wheel on the cluster; the notebook holds no logic of its own.

# COMMAND ----------

dbutils.widgets.text("study", "jpr_s412081", "Study: a preset or the path of a study.yaml")
dbutils.widgets.text("env", "", "Deployment: the path of an env.yaml; empty makes up claims")
dbutils.widgets.text("folder", "claimtwin-demo", "Where made-up claims and their results go")
dbutils.widgets.text("members", "20000", "How many people to make up")

# COMMAND ----------

import json

import pandas as pd
from claimtwin.app.notebook import run_notebook

result = run_notebook(
    spark,
    study=dbutils.widgets.get("study"),
    env=dbutils.widgets.get("env"),
    folder=dbutils.widgets.get("folder"),
    members=int(dbutils.widgets.get("members")),
)

# COMMAND ----------

# MAGIC %md
# MAGIC The tables below are compact: counts, means and effects. Small cells are withheld.

# COMMAND ----------

display(pd.DataFrame(result.results["outcomes"]))
display(pd.DataFrame(result.results["effects"]))

# COMMAND ----------

dbutils.notebook.exit(json.dumps({"hash": result.hash, "report": str(result.report)}))
