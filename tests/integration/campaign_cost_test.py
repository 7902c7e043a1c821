"""What a campaign says of the probe's cost: measured in the candidate in a warm-up that is long enough for it.

The environment names the program: ASSAY_COMMAND; ctest sets it.
"""

import unittest

from campaign_support import MEASURED, CampaignTest, candidate, phase, plan


class CostOfProbe(CampaignTest):
    def test_it_is_measured_under_the_candidates_own_load(self) -> None:
        # Long enough for nearly twice the pairs that are needed: a busy machine makes fewer.
        phases = (phase("warm-up", "warm-up", "4s", 200), phase("steady", "steady", "1s", 200))
        self.write_plan(plan(candidate("one"), phases=phases))
        outcome = self.run_plan(limit_s=20)
        self.assertIn(outcome.code, MEASURED, outcome.err)
        trial = self.trials()["one", 1]
        number = r"-?\d+\.\d\d"
        measured = rf"^{number} % \[{number}, {number}\] more CPU time an answer, [4-7]\d pairs of off and on in it"
        self.assertRegex(trial["facts"]["overhead of the probe"], measured)
        self.assert_cost_of_probe_is_told()
        [steady] = [each for each in trial["lag"] if each["phase"] == "steady"]
        self.assertEqual(steady["quality"], "traced", "it is on again")
        self.assertGreater(steady["utilisation"], 0)


if __name__ == "__main__":
    unittest.main()
