/* trainer_cloud.c - what Amazon Bedrock and Google Vertex AI train from: their JSON Lines, the request that makes a job, the calls
 * around it.
 *
 * Sources: Amazon Bedrock's user guide (the bedrock-conversation-2024 format, CreateModelCustomizationJob); Vertex AI's documentation
 * (supervised fine-tuning of Gemini, tuningJobs.create). Whoever has the account makes the calls: no key of theirs comes here. */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cost/trainable.h"
#include "tune/trainer_inner.h"

enum { BEDROCK_EPOCHS = 5 }; /* the most that Amazon's own models take */

enum { JOB_NAME = 48 };

/* What jobs and models are called: letters and digits, and single '-' between them (CreateModelCustomizationJob, customModelName). */
static const char *job_name(const struct trainer_job *job, char out[JOB_NAME])
{
	size_t n = (size_t)snprintf(out, JOB_NAME, "rung");
	bool between = true;

	for (const char *c = job->task; *c && n + 2 < JOB_NAME; c++) {
		bool taken = isalnum((unsigned char)*c);

		if (taken && between)
			out[n++] = '-';
		if (taken)
			out[n++] = *c;
		between = !taken;
	}
	out[n] = 0;
	return out;
}

static size_t epochs_of(const struct trainer_job *job)
{
	return job->settings.epochs ? job->settings.epochs : trainable_epochs(job->n_train);
}

/* --- examples ----------------------------------------------------------------------------------------------------------- */

static json_t *parts_of(const char *text)
{
	return json_pack("[{s:s}]", "text", text);
}

/* Turns under such keys; the system's turns go to *system, one text below the other. */
static json_t *turns_of(const struct message *prompt, size_t n, const char *completion, const char *assistant, const char *parts,
			json_t **system)
{
	json_t *turns = json_array();

	*system = json_array();
	for (size_t i = 0; i < n; i++)
		if (prompt[i].role == MESSAGE_SYSTEM)
			json_array_append_new(*system, json_pack("{s:s}", "text", prompt[i].text));
		else
			json_array_append_new(turns, json_pack("{s:s, s:o}", "role", prompt[i].role == MESSAGE_USER ? "user" : assistant, parts,
							       parts_of(prompt[i].text)));
	json_array_append_new(turns, json_pack("{s:s, s:o}", "role", assistant, parts, parts_of(completion)));
	return turns;
}

void trainer_bedrock_row(const struct message *prompt, size_t n, const char *completion, struct buf *out)
{
	json_t *system, *turns = turns_of(prompt, n, completion, "assistant", "content", &system);
	json_t *row = json_pack("{s:s}", "schemaVersion", "bedrock-conversation-2024");

	if (json_array_size(system) > 0)
		json_object_set(row, "system", system);
	json_object_set_new(row, "messages", turns);
	json_decref(system);
	trainer_add_json(row, JSON_COMPACT, out);
}

void trainer_vertex_row(const struct message *prompt, size_t n, const char *completion, struct buf *out)
{
	json_t *system, *turns = turns_of(prompt, n, completion, "model", "parts", &system);
	json_t *row = json_object();

	if (json_array_size(system) > 0)
		json_object_set_new(row, "systemInstruction", json_pack("{s:s, s:O}", "role", "system", "parts", system));
	json_object_set_new(row, "contents", turns);
	json_decref(system);
	trainer_add_json(row, JSON_COMPACT, out);
}

/* --- the job ------------------------------------------------------------------------------------------------------------ */

static json_t *place(const char *scheme, const char *name, const char *file)
{
	return json_sprintf("%s://BUCKET/%s/%s", scheme, name, file);
}

void trainer_bedrock_job(const struct trainer_job *job, struct buf *out)
{
	char buffer[JOB_NAME];
	const char *name = job_name(job, buffer);
	size_t epochs = epochs_of(job);
	json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:o}, s:{s:o}, s:{s:o}}", "jobName", name, "customModelName", name, "roleArn",
				 "arn:aws:iam::ACCOUNT:role/ROLE", "baseModelIdentifier", job->base, "customizationType", "FINE_TUNING",
				 "trainingDataConfig", "s3Uri", place("s3", name, "train.jsonl"), "outputDataConfig", "s3Uri",
				 place("s3", name, "out/"), "hyperParameters", "epochCount",
				 json_sprintf("%zu", !job->settings.epochs && epochs > BEDROCK_EPOCHS ? (size_t)BEDROCK_EPOCHS : epochs));

	if (job->n_held > 0)
		json_object_set_new(root, "validationDataConfig",
				    json_pack("{s:[{s:o}]}", "validators", "s3Uri", place("s3", name, "validation.jsonl")));
	trainer_add_json(root, JSON_INDENT(2), out);
	buf_adds(out, "\n");
}

void trainer_vertex_job(const struct trainer_job *job, struct buf *out)
{
	char buffer[JOB_NAME];
	const char *name = job_name(job, buffer);
	json_t *spec = json_pack("{s:o, s:{s:o}}", "trainingDatasetUri", place("gs", name, "train.jsonl"), "hyperParameters", "epochCount",
				 json_sprintf("%zu", epochs_of(job)));

	if (job->n_held > 0)
		json_object_set_new(spec, "validationDatasetUri", place("gs", name, "validation.jsonl"));
	trainer_add_json(json_pack("{s:s, s:o, s:s}", "baseModel", job->base, "supervisedTuningSpec", spec, "tunedModelDisplayName", name),
			 JSON_INDENT(2), out);
	buf_adds(out, "\n");
}

/* --- README ------------------------------------------------------------------------------------------------------------- */

static void add_data(const struct trainer *t, const struct trainer_job *job, struct buf *out)
{
	buf_addf(out, "# Task \"%s\", trained with %s\n\ndata/train.jsonl holds %zu examples of the task's pool", job->task, t->name,
		 job->n_train);
	if (job->n_held > 0)
		buf_addf(out, ", data/validation.jsonl the %zu that training is\nwatched on", job->n_held);
	buf_adds(out, ". The task's dev and test examples are not here: they measure what comes back.\n\n");
}

static void add_back(const char *server, const struct trainer_job *job, struct buf *out)
{
	buf_addf(out, "## Back to rung\n\n%s, the tuned model is one like any other:\n\n"
		      "    rung climb TASK --models URL#NAME\n\nOr name it in task.yaml, under `models:`. %s", server,
		 strcmp(job->method, "lora") == 0 ? "It was trained on the plainest prompt of rung 1.\n" : "It was trained on prompts with passages.\n");
}

void trainer_bedrock_readme(const struct trainer *t, const struct trainer_job *job, struct buf *out)
{
	char buffer[JOB_NAME];
	const char *name = job_name(job, buffer);

	add_data(t, job, out);
	buf_addf(out, "## Training\n\nPut your bucket, account and role (one that may read and write the bucket) into job.json. Then, in this "
		      "folder:\n\n"
		      "    aws s3 cp data/ s3://BUCKET/%s/ --recursive\n"
		      "    aws bedrock create-model-customization-job --cli-input-json file://job.json\n"
		      "    aws bedrock get-model-customization-job --job-identifier %s --query '[status,failureMessage,outputModelArn]'\n"
		      "    aws bedrock stop-model-customization-job --job-identifier %s     # to end it early\n\n"
		      "A custom model is asked on throughput that is paid by the hour, or where the base allows it on demand:\n\n"
		      "    aws bedrock create-provisioned-model-throughput --model-id OUTPUT_MODEL_ARN --provisioned-model-name %s --model-units 1\n"
		      "    aws bedrock create-custom-model-deployment --model-arn OUTPUT_MODEL_ARN --model-deployment-name %s\n\n", name, name, name,
		 name, name);
	add_back("Behind a server of OpenAI's form, such as a LiteLLM proxy before Bedrock", job, out);
}

void trainer_vertex_readme(const struct trainer *t, const struct trainer_job *job, struct buf *out)
{
	char buffer[JOB_NAME];
	const char *name = job_name(job, buffer);

	add_data(t, job, out);
	buf_addf(out, "## Training\n\nPut your bucket into job.json. Then, in this folder, with your PROJECT and REGION:\n\n"
		      "    gcloud storage cp data/*.jsonl gs://BUCKET/%s/\n"
		      "    curl -H \"Authorization: Bearer $(gcloud auth print-access-token)\" -H \"Content-Type: application/json\" -d @job.json \\\n"
		      "        https://REGION-aiplatform.googleapis.com/v1/projects/PROJECT/locations/REGION/tuningJobs\n\n"
		      "The reply's `name` is the job's, JOB below: GET says how it stands, its `tunedModel.endpoint` is where the model is asked, and "
		      "JOB:cancel ends it:\n\n"
		      "    curl -H \"Authorization: Bearer $(gcloud auth print-access-token)\" https://REGION-aiplatform.googleapis.com/v1/JOB\n"
		      "    curl -X POST -H \"Authorization: Bearer $(gcloud auth print-access-token)\" "
		      "https://REGION-aiplatform.googleapis.com/v1/JOB:cancel\n\n", name);
	add_back("Behind a server of OpenAI's form, such as a LiteLLM proxy before Vertex AI", job, out);
}
