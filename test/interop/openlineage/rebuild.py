"""Builds OpenLineage's own objects from events in JSON lines on stdin, and prints what those give as JSON again."""

import json
import sys

from openlineage.client import event_v2 as ol
from openlineage.client import facet_v2 as facets
from openlineage.client.generated.base import RunFacet
from openlineage.client.serde import Serde

KNOWN = {
    "errorMessage": facets.error_message_run.ErrorMessageRunFacet,
    "jobType": facets.job_type_job.JobTypeJobFacet,
    "version": facets.dataset_version_dataset.DatasetVersionDatasetFacet,
    "symlinks": facets.symlinks_dataset.SymlinksDatasetFacet,
    "inputStatistics": facets.input_statistics_input_dataset.InputStatisticsInputDatasetFacet,
    "outputStatistics": facets.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
}


def facet_of(name, values):
    own = {key: value for key, value in values.items() if not key.startswith("_")}
    producer = values["_producer"]
    if name == "parent":
        run, job = facets.parent_run.Run(**own["run"]), facets.parent_run.Job(**own["job"])
        return facets.parent_run.ParentRunFacet(run=run, job=job, producer=producer)
    if name == "symlinks":
        own["identifiers"] = [facets.symlinks_dataset.Identifier(**each) for each in own["identifiers"]]
    if name in KNOWN:
        return KNOWN[name](**own, producer=producer)
    return RunFacet(producer=producer).with_additional_properties(**own)


def facets_of(values):
    return {name: facet_of(name, each) for name, each in values.items()}


def dataset_of(kind, statistics, values):
    return kind(
        namespace=values["namespace"],
        name=values["name"],
        facets=facets_of(values["facets"]),
        **{statistics: facets_of(values[statistics])},
    )


for line in sys.stdin:
    event = json.loads(line)
    built = ol.RunEvent(
        eventType=ol.RunState[event["eventType"]],
        eventTime=event["eventTime"],
        producer=event["producer"],
        run=ol.Run(runId=event["run"]["runId"], facets=facets_of(event["run"]["facets"])),
        job=ol.Job(namespace=event["job"]["namespace"], name=event["job"]["name"], facets=facets_of(event["job"]["facets"])),
        inputs=[dataset_of(ol.InputDataset, "inputFacets", each) for each in event["inputs"]],
        outputs=[dataset_of(ol.OutputDataset, "outputFacets", each) for each in event["outputs"]],
    )
    print(Serde.to_json(built))
