"""Who answers: releases, their weights, and the generators that stand in for each other."""
