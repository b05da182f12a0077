"""Print a table of customers that nobody has: `python3 customers.py 1280 > customers.csv`."""

import random
import sys

chance = random.Random(1)
print("id,plan,balance,monthly")
for number in range(int(sys.argv[1])):
    print(
        f"{number + 1},{chance.randint(1, 3)},{chance.randrange(100_000, 5_000_000)},{chance.choice([10, 30, 50])}000"
    )
