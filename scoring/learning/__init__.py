"""Learn from coverage, votes and clicks; train and choose models.

labels, click_feedback        which past stories turned out relevant, and their state before
fitting, logistic             weights from examples
trial                         a candidate compared with the running model on the newest days
train                         all of it, once a day in a process of its own
model_store                   the models that a site keeps, and the one in use
"""
