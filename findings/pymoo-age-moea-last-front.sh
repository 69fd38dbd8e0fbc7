#!/bin/sh
# pymoo 0.6.2 (numba 0.68.1): AGEMOEA gives the front that does not fit whole no survival scores; its last rows stay.
# Guess: of the front that is cut, those with the highest survival scores stay, as in the paper (GECCO 2019) and as
#   NSGA-II does with crowding distances; the order of the rows does not matter.
# Seen: scores are computed for the fronts before it only, so all of its scores are 0, and of equal scores the highest
#   rows are taken, which are the newest children. Reverse the rows, and other points survive. Where the first front
#   alone fills the population, as it mostly does with many objectives, the scores are right.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check pymoo==0.6.2 numba==0.68.1 > log 2>&1 || { cat log; exit 2; }
cat > try.py <<'PY'
import numpy as np
import pymoo
from pymoo.algorithms.moo.age import AGEMOEASurvival
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.operators.survival.rank_and_crowding import RankAndCrowding

print("pymoo", pymoo.__version__)
first = np.random.default_rng(0).dirichlet(np.ones(3), 20)
second = first + 0.3  # dominated, point by point


def survivors(survival, rows):
    """Names of the points of the second front that are among the 28 survivors, and the scores of that front."""
    names = [*range(20), *rows]
    objectives = np.vstack([first, second[[row - 20 for row in rows]]])
    population = Population.new("X", np.array(names)[:, None], "F", objectives)
    problem, rng = Problem(n_var=1, n_obj=3, xl=0, xu=100), np.random.default_rng(0)
    kept = survival.do(problem, population, n_survive=28, random_state=rng)
    scores = {float(one.get("crowding")) for one in population if one.X[0] >= 20}
    return sorted(int(one.X[0]) for one in kept if one.X[0] >= 20), scores


forward, backward = list(range(20, 40)), list(range(39, 19, -1))
for survival in (AGEMOEASurvival(), RankAndCrowding()):
    there, scores = survivors(survival, forward)
    back, _ = survivors(survival, backward)
    print(type(survival).__name__, there, "rows reversed:", back, "different scores:", len(scores))
    if isinstance(survival, AGEMOEASurvival):
        assert there == list(range(32, 40)) and back == list(range(20, 28)) and scores == {0.0}
    else:
        assert there == back and len(scores) > 1
PY
venv/bin/python try.py
echo "as written above"
