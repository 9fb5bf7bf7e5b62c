/* general.c - the set: everyday knowledge, language, simple reasoning and arithmetic, written for this project. */
#include "tune/general.h"

#include <math.h>

enum { CHOICES = 4 };

/* The first answer is the right one; they are asked in this order for all models, as probabilities have no places. */
static const struct question {
	const char *text, *answers[CHOICES];
} questions[] = {
	{ "What is the capital of France?", { "Paris", "London", "Berlin", "Rome" } },
	{ "What is the capital of Japan?", { "Tokyo", "Beijing", "Seoul", "Bangkok" } },
	{ "Which planet is closest to the sun?", { "Mercury", "Earth", "Saturn", "Neptune" } },
	{ "What is frozen water called?", { "Ice", "Steam", "Oil", "Sand" } },
	{ "How many days are in a week?", { "Seven", "Five", "Ten", "Twelve" } },
	{ "How many legs does a spider have?", { "Eight", "Six", "Four", "Two" } },
	{ "What do bees make?", { "Honey", "Milk", "Silk", "Paper" } },
	{ "Which animal says meow?", { "A cat", "A dog", "A cow", "A horse" } },
	{ "What colour is a ripe banana?", { "Yellow", "Blue", "Black", "Purple" } },
	{ "What gas do plants take in from the air?", { "Carbon dioxide", "Helium", "Neon", "Hydrogen" } },
	{ "Which organ pumps blood through the body?", { "The heart", "The liver", "The stomach", "The skin" } },
	{ "What is the opposite of hot?", { "Cold", "Warm", "Tall", "Fast" } },
	{ "What is the opposite of early?", { "Late", "Soon", "First", "Quick" } },
	{ "What is the plural of child?", { "Children", "Childs", "Childes", "Child" } },
	{ "What is the past tense of go?", { "Went", "Goed", "Gone to", "Going" } },
	{ "Which word means the same as happy?", { "Glad", "Angry", "Tired", "Broken" } },
	{ "What is 2 + 3?", { "5", "4", "6", "7" } },
	{ "What is 10 - 4?", { "6", "5", "7", "8" } },
	{ "What is 3 times 3?", { "9", "6", "12", "8" } },
	{ "What is half of 20?", { "10", "5", "15", "40" } },
	{ "Which number is the largest?", { "100", "10", "7", "42" } },
	{ "In which season does it usually snow?", { "Winter", "Summer", "Spring", "Autumn" } },
	{ "What do you use to cut paper?", { "Scissors", "A spoon", "A pillow", "A cup" } },
	{ "Where do fish live?", { "In water", "In trees", "In the sky", "In the sand" } },
	{ "Which of these is a fruit?", { "Apple", "Carrot", "Bread", "Cheese" } },
	{ "Which of these is a musical instrument?", { "Violin", "Hammer", "Ladder", "Bottle" } },
	{ "Who treats sick people in a hospital?", { "A doctor", "A pilot", "A baker", "A farmer" } },
	{ "What do we call the star at the centre of our solar system?", { "The Sun", "The Moon", "Mars", "Jupiter" } },
	{ "Which ocean lies between Europe and America?", { "The Atlantic", "The Pacific", "The Indian Ocean", "The Arctic" } },
	{ "In which continent is Egypt?", { "Africa", "Europe", "Australia", "South America" } },
	{ "What language is spoken in Brazil?", { "Portuguese", "German", "Arabic", "Chinese" } },
	{ "Who wrote Romeo and Juliet?", { "William Shakespeare", "Albert Einstein", "Isaac Newton", "Napoleon" } },
	{ "What does a thermometer measure?", { "Temperature", "Weight", "Length", "Speed" } },
	{ "What is the boiling point of water in degrees Celsius?", { "100", "0", "50", "500" } },
	{ "If all cats are animals and Tom is a cat, what is Tom?", { "An animal", "A plant", "A stone", "A planet" } },
	{ "Anna is older than Ben, and Ben is older than Carl. Who is the youngest?", { "Carl", "Anna", "Ben", "Nobody" } },
	{ "What comes next: 2, 4, 6, 8?", { "10", "9", "12", "7" } },
	{ "What comes after Monday?", { "Tuesday", "Sunday", "Friday", "Thursday" } },
	{ "How many minutes are in an hour?", { "60", "24", "100", "30" } },
	{ "Translate the French word 'bonjour' into English.", { "Hello", "Goodbye", "Please", "House" } },
};

enum { QUESTIONS = sizeof(questions) / sizeof(questions[0]) };

static void add_reply(const struct model_reply *reply, struct general_result *out)
{
	double all = 0;
	bool right = true;

	for (size_t i = 0; i < CHOICES; i++) {
		all += exp(reply->scores[i] - reply->scores[0]);
		right = right && reply->scores[i] <= reply->scores[0];
	}
	out->n++;
	out->right += right;
	out->log_p -= log(all) / QUESTIONS;
}

/* Choices differ from question to question, so each is a request by itself. */
bool general_ask(struct model *m, bool (*stopped)(void *context), void *context, struct general_result *out, struct error *err)
{
	*out = (struct general_result){ 0 };
	for (size_t i = 0; i < QUESTIONS; i++) {
		struct message message = { MESSAGE_USER, questions[i].text };
		struct model_request request = { .messages = &message, .n_messages = 1, .want = WANT_SCORES,
						 .choices = questions[i].answers, .n_choices = CHOICES };
		struct model_reply reply;
		struct arena arena;

		if (stopped && stopped(context))
			return error_set(err, "interrupted; run the same command again");
		arena_init(&arena);
		bool asked = model_ask(m, &arena, &request, 1, &reply, NULL, err) && reply.scores;

		if (asked)
			add_reply(&reply, out);
		arena_release(&arena);
		if (!asked)
			return false;
	}
	return true;
}
