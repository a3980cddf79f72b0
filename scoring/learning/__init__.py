"""Learn from coverage, votes and clicks; train and choose models.

labels, click_feedback        which past stories turned out relevant, and what was known of them before
fitting, logistic             weights from examples
trial                         a candidate against the running model, on the newest days
train                         all of it, once a day in a process of its own
model_store                   the models that a site keeps, and the one in use
"""
