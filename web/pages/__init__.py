"""The pages of the site: one module per page, each with a blueprint; `blueprints` lists them.

    a view: choose stories (`web.lists`) > make view models (`web.present`) > render a template > keep(how long)

reading     what readers choose: saved stories, named lists, digests
programs    Markdown and llms.txt
service     health, metrics, the WebSub hub, static files, pictures, error pages
"""
