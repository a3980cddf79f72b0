"""The pages of the site: one module a page, each with a blueprint; `blueprints` lists them."""
