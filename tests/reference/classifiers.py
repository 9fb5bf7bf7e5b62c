"""Expected values for tests/unit/retrieve_tfidf.c, tune_linear.c and tune_classifier.c, from scikit-learn (1.9).

    python tests/reference/classifiers.py > tests/reference/golden/classifiers.json

The corpus is our own. It has fewer than 20 items, so the classifiers keep their usual settings instead of choosing.
"""
import json

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier

CORPUS = [
    (0, "The invoice for March is overdue, please pay the invoice by Friday"),
    (0, "Your payment of 120 euros was received, thank you for the payment"),
    (0, "Refund issued: 35 euros go back to your card"),
    (0, "Die Rechnung über 80 Euro ist fällig, bitte zahlen"),
    (0, "invoice_2024 attached; the amount is 1500 euros"),
    (0, "La facture du garage coûte déjà 300 euros"),
    (1, "The parcel left the warehouse and arrives on Friday"),
    (1, "Your parcel is late: the van broke down near Łódź"),
    (1, "Delivery tomorrow between 9 and 11, please be at home"),
    (1, "Das Paket liegt beim Nachbarn, Lieferung war gestern"),
    (1, "Le colis est arrivé chez la voisine 📦 merci"),
    (1, "Tracking number X9 shows the parcel at the border"),
    (1, "東京 への 荷物 が 届きました"),
    (2, "I cannot log in, the password is always wrong"),
    (2, "Reset my password please, I forgot the old password"),
    (2, "The app crashes when I log in with my phone"),
    (2, "Mot de passe oublié, je ne peux plus entrer"),
    (2, "Passwort vergessen, bitte zurücksetzen"),
]
QUERIES = [
    "Please send the invoice again, the amount is wrong",
    "Where is my parcel? It was due on Friday",
    "password forgotten, cannot log in",
    "Rechnung über 80 Euro",
    "PARCEL PARCEL PARCEL and one invoice",
    "an entirely unrelated sentence about gardens",
    "荷物 が 届きました",
    "a b c",
    "",
]
WORDS = dict(ngram_range=(1, 2))
CHARS = dict(ngram_range=(2, 5), analyzer="char_wb")
VECTORIZERS = {
    "words": TfidfVectorizer(**WORDS),
    "words sublinear": TfidfVectorizer(**WORDS, sublinear_tf=True),
    "words in two": TfidfVectorizer(**WORDS, min_df=2),
    "words counted": CountVectorizer(**WORDS),
    "characters": TfidfVectorizer(**CHARS),
    "characters sublinear": TfidfVectorizer(**CHARS, sublinear_tf=True),
    "characters long": TfidfVectorizer(ngram_range=(4, 6), analyzer="char_wb"),
}


def rounded(x):
    return np.round(np.asarray(x, dtype=float), 9).tolist()


def logistic(x, y, c):
    return LogisticRegression(C=c, tol=1e-12, max_iter=100000).fit(x, y)


def vector_rows(name, texts):
    """Every text as {n-gram: weight}."""
    v = VECTORIZERS[name]
    names = v.get_feature_names_out()
    rows = v.transform(texts)
    return [{names[j]: round(float(rows[i, j]), 9) for j in rows[i].indices} for i in range(len(texts))]


def dense_case(x, y, queries, c):
    m = logistic(x, y, c)
    return {"c": c, "classes": y.tolist(), "rows": rounded(x), "queries": rounded(queries),
            "probabilities": rounded(m.predict_proba(queries))}


labels = np.array([label for label, _ in CORPUS])
texts = [text for _, text in CORPUS]
golden = {"labels": labels.tolist(), "texts": texts, "queries": QUERIES}

for v in VECTORIZERS.values():
    v.fit(texts)
golden["vectors"] = {name: {"terms": len(v.vocabulary_), "rows": vector_rows(name, QUERIES)}
                     for name, v in VECTORIZERS.items()}

rng = np.random.default_rng(7)
centres = rng.normal(size=(3, 6))
dense = (centres[labels] + 0.8 * rng.normal(size=(len(labels), 6))).astype(np.float32)
asked = (centres[[0, 1, 2, 0, 1, 2, 0, 1, 2]] + 0.8 * rng.normal(size=(9, 6))).astype(np.float32)
dense = np.round(dense.astype(float), 6)
asked = np.round(asked.astype(float), 6)
two = labels < 2
golden["dense"] = [dense_case(dense, labels, asked, c) for c in (0.01, 1, 100)]
golden["dense"].append(dense_case(dense[two], labels[two], asked, 1))

counts = VECTORIZERS["words counted"]
bayes = MultinomialNB(alpha=1).fit(counts.transform(texts), labels)
golden["methods"] = {"naive-bayes": rounded(bayes.predict_proba(counts.transform(QUERIES)))}
for method, name in (("tfidf-words", "words sublinear"), ("tfidf-characters", "characters sublinear")):
    m = logistic(VECTORIZERS[name].transform(texts), labels, 10)
    golden["methods"][method] = rounded(m.predict_proba(VECTORIZERS[name].transform(QUERIES)))
golden["methods"]["embedding-head"] = rounded(logistic(dense, labels, 1).predict_proba(asked))

# One neighbour. A query that shares no word with any text has no neighbour: the shares of the labels answer.
shares = np.bincount(labels) / len(labels)
knn = KNeighborsClassifier(1, metric="cosine")
sparse = VECTORIZERS["words sublinear"]
found = knn.fit(sparse.transform(texts), labels).predict_proba(sparse.transform(QUERIES))
lost = np.asarray(sparse.transform(QUERIES).sum(axis=1)).ravel() == 0
golden["methods"]["tfidf-nearest"] = rounded(np.where(lost[:, None], shares, found))
golden["methods"]["embedding-nearest"] = rounded(knn.fit(dense, labels).predict_proba(asked))
golden["methods"]["majority"] = rounded(np.tile(shares, (len(QUERIES), 1)))



def lines(value, depth):
    """JSON with one value a line down to the given depth, so that a changed number shows as one changed line."""
    if depth == 0 or not isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[\n" + ",\n".join(lines(v, depth - 1) for v in value) + "\n]"
    return "{\n" + ",\n".join(f"{json.dumps(k)}: {lines(v, depth - 1)}" for k, v in value.items()) + "\n}"


print(lines(golden, 3))
