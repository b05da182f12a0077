import digdag


class Report:
    def run(self):
        digdag.env.store({"rows": 3})
