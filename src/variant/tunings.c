/* tunings.c - the ways in which a model is trained for a task of each kind, and asked afterwards. */
#include "variant/workshop.h"

/* Asked as they were trained: the task's own words, no shots. Scores where there are labels, JSON where there is a schema. */
static const struct technique labels = { .id = "lora", .name = "LoRA on the small decoder", .answer = ANSWER_SCORES };
static const struct technique fields = { .id = "lora", .name = "LoRA on the small decoder", .answer = ANSWER_JSON };
static const struct technique plain_text = { .id = "lora", .name = "LoRA on the small decoder" };
static const struct search fused = { .mode = SEARCH_FUSED, .cutting = { 200, 40, true, false }, .k = 4 };
static const struct technique with_passages = { .id = "lora-rag", .name = "LoRA and retrieval", .passages = PASSAGES_RETRIEVED,
						.search = &fused };
/* Where examples say which passage holds the answer, it stands among others in training, found or not (RAFT, Zhang et al. 2024,
 * arXiv 2403.10131). */
static const struct technique among_others = { .id = "lora-rag", .name = "LoRA and retrieval", .passages = PASSAGES_DISTRACTED,
					       .search = &fused };

static const struct technique reasoned = { .id = "lora-reasons", .name = "LoRA that reasons first", .reasoning = true };

static const struct tuning for_labels[] = {
	{ .id = "encoder", .name = "fine-tuned encoder" },
	{ .id = "lora", .name = "LoRA on the small decoder, label scoring", .technique = &labels },
};
static const struct tuning for_sets[] = {
	{ .id = "encoder", .name = "fine-tuned encoder" },
	{ .id = "lora", .name = "LoRA on the small decoder", .technique = &plain_text },
};
static const struct tuning for_fields[] = {
	{ .id = "encoder", .name = "fine-tuned encoder: tags and classes" },
	{ .id = "lora", .name = "LoRA on the small decoder", .technique = &fields },
};
static const struct tuning for_answers[] = {
	{ .id = "lora", .name = "LoRA on the small decoder, closed book", .technique = &plain_text },
	{ .id = "lora-rag", .name = "LoRA on the small decoder, with retrieval", .technique = &with_passages, .lesson = &among_others },
};
static const struct tuning for_text[] = { { .id = "lora", .name = "LoRA on the small decoder", .technique = &plain_text } };

#define ROWS(table) (*n = sizeof(table) / sizeof((table)[0]), (table))

const struct tuning *tuning_all(const struct task *task, size_t *n)
{
	if (task->validator)
		return ROWS(for_fields);
	switch (task->kind) {
	case TASK_CLASSIFY:
		return task->many ? ROWS(for_sets) : ROWS(for_labels);
	case TASK_ANSWER:
		return ROWS(for_answers);
	default:
		return ROWS(for_text);
	}
}

const struct tuning *tuning_reasons(const struct task *task)
{
	static const struct tuning t = { .id = "lora-reasons", .name = "LoRA on the small decoder, the reasons first", .technique = &reasoned,
					 .reasons = true };

	return (task->kind == TASK_CLASSIFY && !task->many) || task->kind == TASK_ANSWER ? &t : NULL;
}
